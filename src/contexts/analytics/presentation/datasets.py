"""Datasets over HTTP: take a file in, show what became of it, correct it, delete it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Annotated, Any, TypeAlias

import msgspec
from litestar import Controller, Request, delete, get, patch, post
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency
from litestar.openapi.spec import (
    OpenAPIFormat,
    OpenAPIMediaType,
    OpenAPIType,
    Operation,
    RequestBody,
    Schema,
)
from litestar.params import JSONBody, PathParameter

from contexts.analytics.application.datasets import (
    ColumnCorrection,
    CorrectDataset,
    DeleteDataset,
    ForgetUpload,
    ShortText,
    UploadDataset,
    checked_name,
)
from contexts.analytics.application.queries import (
    DatasetListed,
    DatasetShown,
    GetDataset,
    ListDatasets,
)
from contexts.analytics.domain.dataset import LoadOptions
from contexts.analytics.presentation.uploading import FILE, receive
from shared.application.bus import Bus
from shared.domain.errors import Invalid, NotFound, Refused
from shared.presentation.json import JSONResponse
from shared.presentation.problems import refusals

Name: TypeAlias = Annotated[str, PathParameter(description="Name of a dataset", max_length=100)]


class Accepted(msgspec.Struct, frozen=True):
    """A version on its way: `GET` the Location to see what became of it."""

    name: str
    version: int


class Corrections(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays as it is. `columns` are corrected by their names."""

    columns: Mapping[str, ColumnCorrection] = {}
    row_noun: ShortText | None = None
    measure: str | None = None
    time: str | None = None


@dataclass
class UploadOperation(Operation):
    """The form is read by us while it comes in, so we also say what may be in it."""

    def __post_init__(self) -> None:
        text = Schema(type=OpenAPIType.STRING)
        file = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
        form = Schema(
            type=OpenAPIType.OBJECT,
            properties={FILE: file, "name": text, "options": text},
            required=[FILE],
        )
        self.request_body = RequestBody({"multipart/form-data": OpenAPIMediaType(schema=form)})


class DatasetsController(Controller):
    path = "/datasets"
    tags = ("Datasets",)

    @get()
    async def list_datasets(self, bus: NamedDependency[Bus]) -> list[DatasetListed]:
        """List what can be asked, the catalogue (`events`) among it."""
        return await bus(ListDatasets())

    @post(
        status_code=202,
        operation_class=UploadOperation,
        request_max_body_size=None,
        response_headers=[ResponseHeader(name="Location", documentation_only=True)],
        responses=refusals(Invalid, Refused),
    )
    async def upload(
        self, request: Request[Any, Any, Any], bus: NamedDependency[Bus]
    ) -> JSONResponse[Accepted]:
        """Upload a CSV file; it becomes the next version of the dataset of that `name`.

        Without a `name` it goes by that of the file. `options`, where what is found out by itself
        would be wrong, is JSON: `{"encoding", "delimiter", "header", "decimal", "dates"}`, the last
        one `day_first` or `month_first`. Until the file is loaded the version before it answers.
        """
        received = await receive(request, bus, ("name", "options"))
        try:
            name = checked_name(received.fields.get("name") or _named_after(received.filename))
            version = await bus(
                UploadDataset(
                    name,
                    received.upload_id,
                    received.filename[:200],
                    _options(received.fields.get("options")),
                )
            )
        except BaseException:
            await bus(ForgetUpload(received.upload_id))
            raise
        return _accepted(name, version)

    @get("/{name:str}", responses=refusals(Invalid, NotFound))
    async def show(self, name: Name, bus: NamedDependency[Bus]) -> DatasetShown:
        """Show a dataset: its columns, what their types rest on, and what was set aside."""
        return await bus(GetDataset(name))

    @patch("/{name:str}", responses=refusals(Invalid, NotFound, Refused))
    async def correct(
        self, name: Name, data: JSONBody[Corrections], bus: NamedDependency[Bus]
    ) -> JSONResponse[DatasetShown | Accepted]:
        """Correct what was inferred: a type, synonyms, a unit, what a row is called, and which
        columns are meant when a question names none.

        It holds for later versions, too. Where a type changes, the file is loaded anew (202).
        """
        version = await bus(
            CorrectDataset(
                name=name,
                columns=data.columns,
                row_noun=data.row_noun,
                measure=data.measure,
                time=data.time,
            )
        )
        if version is not None:
            return _accepted(name, version)
        shown = await bus(GetDataset(name))
        return JSONResponse(shown)

    @delete("/{name:str}", status_code=204, responses=refusals(Invalid, NotFound))
    async def remove(self, name: Name, bus: NamedDependency[Bus]) -> None:
        """Delete a dataset, its tables and its files. What was answered from it stays."""
        await bus(DeleteDataset(name))


def _accepted(name: str, version: int) -> JSONResponse[Any]:
    headers = {"location": f"/datasets/{name}"}
    return JSONResponse(Accepted(name, version), status_code=202, headers=headers)


def _named_after(filename: str) -> str:
    stem = PurePath(filename.replace("\\", "/")).name.partition(".")[0].lower()
    return "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in stem)


def _options(raw: str | None) -> LoadOptions:
    if not raw:
        return LoadOptions()
    try:
        given = msgspec.json.decode(raw)
        options = msgspec.convert(given, LoadOptions)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise Invalid(f"options: {error}") from None
    if unknown := sorted(set(given) - set(LoadOptions.__struct_fields__)):
        known = ", ".join(LoadOptions.__struct_fields__)
        raise Invalid(f"options: unknown {unknown[0]!r}; known are {known}")
    return options
