STEPS = ("/_/steps/triple", "/_/steps/increment")


def main(args):
    step = args.pop("$step", 0)
    if step == len(STEPS):
        return {"params": args}
    return {"action": STEPS[step], "params": args, "state": {"$step": step + 1}}
