"""Version of this program, its policy pack and its command line."""

VERSION = "0.1.0"
