"""The program around each container of uDocker and each job of this machine: it ends all that it began.

Law: only what the standard library has, because it runs at every start, without whatever is installed.
"""
