def main(a):
    return {"lines": sorted(a["lines"])}
