z = 'one'
