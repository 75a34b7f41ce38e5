from common.extra import V
def main(args):
    return {"v": V}
