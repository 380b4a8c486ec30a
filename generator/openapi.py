"""The first half: `openapi.yaml` → `generated/objectstore_api/`.

openapi-python-client parses the contract and renders the templates of this folder. Taken from its
output are the packages `api` and `models` only; the rest of the generated package is the plain
Python in `runtime/`, where it can be read, checked and tested like any other code.
"""

import contextlib
import io
import tempfile
from importlib.metadata import version
from pathlib import Path, PurePosixPath

from openapi_python_client import Project
from openapi_python_client.config import Config, ConfigFile, MetaType
from openapi_python_client.parser import GeneratorData
from openapi_python_client.parser.errors import GeneratorError

from .document import Document
from .formatting import format_folder
from .trees import Tree, read_tree, write_tree
from .views import LiteralView, ModelView, OperationView, encoded, entry

PACKAGE = "objectstore_api"
_HERE = Path(__file__).parent
_TOOL = f"openapi-python-client {version('openapi-python-client')}"


class GenerationError(Exception):
    """The generator can't make code out of the contract; the text says why."""


def generate_client(root: Path) -> Tree:
    """Make the content of `generated/` from the contract in *root*."""
    document = Document.load(root / "openapi.yaml")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _render(document, folder / PACKAGE)
        rendered = {
            PurePosixPath(PACKAGE) / path: content
            for path, content in read_tree(folder / PACKAGE).items()
            if path.parts[0] in {"api", "models"}
        }
        runtime = {
            PurePosixPath(PACKAGE) / path: content
            for path, content in read_tree(_HERE / "runtime").items()
        }
        banner = _banner(document)
        write_tree(folder, {p: _with_banner(p, c, banner) for p, c in (rendered | runtime).items()})
        format_folder(folder)
        return read_tree(folder)


def _render(document: Document, folder: Path) -> None:
    config = Config.from_sources(
        ConfigFile.load_from_path(_HERE / "config.yaml"),
        meta_type=MetaType.NONE,
        document_source="",  # given as data below
        file_encoding="utf-8",
        overwrite=True,
        output_path=folder,
    )
    data = GeneratorData.from_dict(document.root, config=config)
    if isinstance(data, GeneratorError):
        raise GenerationError(_describe(data))
    project = Project(openapi=data, config=config, custom_template_path=_HERE / "templates")
    project.env.globals.update(
        operation_view=lambda endpoint: OperationView(endpoint, document),
        model_view=ModelView,
        literal_view=LiteralView,
        encoded=encoded,
        entry=entry,
    )
    with contextlib.redirect_stdout(io.StringIO()):
        problems = project.build()
    # Also what the tool calls a warning: it means that a part of the contract is left out.
    if problems:
        raise GenerationError("\n".join(_describe(problem) for problem in problems))


def _describe(error: GeneratorError) -> str:
    return f"{error.header}: {error.detail}" if error.header else str(error.detail)


def _banner(document: Document) -> str:
    return (
        "# Generated; do not edit. To regenerate: python -m generator\n"
        f"# openapi.yaml sha256 {document.digest}…, {_TOOL}\n"
    )


def _with_banner(path: PurePosixPath, content: bytes, banner: str) -> bytes:
    return f"{banner}{content.decode()}".encode() if path.suffix == ".py" else content
