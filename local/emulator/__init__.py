"""The local AWS: moto on 127.0.0.1, with what it lacks or gets wrong put right."""
