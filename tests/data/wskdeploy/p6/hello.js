function main(p) { return { msg: 'Hello ' + (p.name || 'x') }; }
