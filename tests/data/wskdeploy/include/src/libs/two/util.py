z = 'two'
