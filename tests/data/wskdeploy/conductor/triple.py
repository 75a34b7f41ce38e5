def main(args):
    return {"value": args["value"] * 3}


def increment(args):
    return {"value": args["value"] + 1}
