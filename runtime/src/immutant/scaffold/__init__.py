"""What `immutant new` puts into a folder.

Belongs here: the files, as templates in `files/` (`$name` is the app's), and writing them. Not
here: which names an app may have (`immutant.remote.naming`), options and printing (`immutant.cli`).
"""
