def main(args) {} end
