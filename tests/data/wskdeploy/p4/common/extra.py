V = 'included'
