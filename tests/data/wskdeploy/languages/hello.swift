func main(args: [String:Any]) -> [String:Any] { return args }
