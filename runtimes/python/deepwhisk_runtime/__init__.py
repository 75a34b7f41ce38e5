"""The program that runs in every container: an OpenWhisk action, or a model behind the DEEPaaS V2 API.

It imports nothing of `deepwhisk`: the same folder is copied into an image, a process on a laptop and a
batch job.
"""
