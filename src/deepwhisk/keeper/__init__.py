"""The program around each container of uDocker: it begins it and ends all that it has started.

Law: only what the standard library has, because it runs at every start, without whatever is installed.
"""
