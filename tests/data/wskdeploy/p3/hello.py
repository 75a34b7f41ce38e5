def main(args):
    print("hi")
    return {"greeting": "Hello %s from %s" % (args.get("name", "?"), args.get("place", "?")), "all": args}
def other(args):
    return {"entry": "other"}
