"""Put on PYTHONPATH, shortens every pause of the Python processes of a run: how long they last is not what is tested."""

import time

LONGEST_SECONDS = 0.02

_sleep = time.sleep
time.sleep = lambda seconds: _sleep(min(seconds, LONGEST_SECONDS))
