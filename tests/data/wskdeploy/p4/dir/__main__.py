from lib.helper import up
def main(args):
    return {"text": up(open("data.txt").read().strip())}
