"""holdtrue: is this model still the assistant we trained, and can we prove it?"""
