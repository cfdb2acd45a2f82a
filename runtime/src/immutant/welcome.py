"""The application that runs where none was given: `python -m immutant.serve immutant.welcome:app`.

Belongs here: an application with the name that it was created by, and the welcome page.
"""

import os

from immutant.app import App

__all__ = ["app"]

app = App(os.environ.get("IMMUTANT_APP", "welcome"))
