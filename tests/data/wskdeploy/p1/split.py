def main(a):
    return {"lines": a.get("payload", "").split()}
