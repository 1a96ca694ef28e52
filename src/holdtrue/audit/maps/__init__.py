"""What runs a stage over a dataset's parts: this machine's processes, or Ray Data."""
