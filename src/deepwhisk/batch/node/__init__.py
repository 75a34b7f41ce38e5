"""What a node is sent: the script of a job, the program that it fetches, and its links."""
