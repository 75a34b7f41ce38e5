function main(args) { return { greeting: "Hello " + args.name } }
exports.main = main
