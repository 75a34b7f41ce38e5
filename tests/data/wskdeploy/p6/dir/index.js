exports.main = function (p) { return { sum: p.a + p.b }; };
