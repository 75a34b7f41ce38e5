def main(args):
    """Greets."""
    return {"greeting": f"Hello {args.get('name', 'you')}"}
