"""A git server with one repository, in the memory of one pod; `/commit/TEXT` is its next commit."""

from typing import Any

from dulwich.objects import Blob, Commit, Tree
from dulwich.refs import Ref
from dulwich.repo import MemoryRepo
from dulwich.server import DictBackend
from dulwich.web import make_wsgi_chain
from starlette.requests import Request

from immutant import App

APP = """
from immutant import App

app = App("pushed")


@app.get("/")
async def index(request):
    return "TEXT"
"""

app = App("forge")
repository = MemoryRepo()


@app.get("/")
async def index(request: Request) -> str:
    """What the router asks for: dulwich serves no page of its own."""
    return "forge"


@app.get("/commit/{text}")
async def commit(request: Request) -> str:
    """Make an application that answers with the text, and commit it; the commit."""
    blob = Blob.from_string(APP.replace("TEXT", request.path_params["text"]).encode())
    tree = Tree()
    tree.add(b"app.py", 0o100644, blob.id)
    made = Commit()
    made.tree = tree.id
    made.author = made.committer = b"Ada <ada@example.org>"
    made.commit_time = made.author_time = 1_800_000_000
    made.commit_timezone = made.author_timezone = 0
    made.message = request.path_params["text"].encode()
    made.parents = [repository.refs[MAIN]] if MAIN in repository.refs else []
    for one in (blob, tree, made):
        repository.object_store.add_object(one)
    repository.refs[MAIN] = made.id
    return made.id.decode()


MAIN = Ref(b"refs/heads/main")
repository.refs.set_symbolic_ref(Ref(b"HEAD"), MAIN)
backend: Any = DictBackend({"/shop.git": repository})
app.mount("/", make_wsgi_chain(backend))
