"""Trainings and other long runs: handed to batch runners, followed, repaired, brought back as versions.

Law: the store holds all there is to know about a run; what this process keeps in memory can be lost.
"""
