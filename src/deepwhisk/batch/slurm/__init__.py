"""What Slurm's drivers share, whichever way they reach it: its states, its limits, the script of a job."""
