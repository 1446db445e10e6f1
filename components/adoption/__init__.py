"""Fixed names that may be taken already: by an earlier solution, a destroyed stack, or a run that was killed.

The AWS provider refuses to create what exists. So each such name is claimed first: what is there is kept, what is not is
made, and the AWS provider's resource then imports it and governs it from there. When the stack goes, the claim gives
back what was there before.
"""
