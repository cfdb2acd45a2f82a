"""Looking into a running application, and commanding it, by a Unix socket of its own process.

Belongs here: the socket's server in the application's process, what can be asked of it, and the
programs that ask. Not here: what the command line prints (`immutant.cli`), and how one gets to
another machine's socket (`immutant.remote`). Nothing here opens a port: whoever can connect is the
process's own user on its own machine, who could as well attach a debugger to it.

One request is one JSON line, {"verb": …, arguments}; its answer is one line, {"ok": …} or
{"error": sentence}. The verb `repl` turns the connection into a prompt (`session`).
"""
