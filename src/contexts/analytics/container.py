"""The analytics context at a glance: what it needs, what it offers."""

from collections.abc import Awaitable, Callable

from dependency_injector import containers, providers
from dramatiq import Broker
from redis.asyncio import Redis

from contexts.analytics.application import reactions, report_reactions
from contexts.analytics.application.answering import Answering, AnswerQuestion
from contexts.analytics.application.askable import Listing
from contexts.analytics.application.asking import Asking, AskQuestion, GiveFeedback, QueueQuestion
from contexts.analytics.application.confiding import Confiding, NothingKept
from contexts.analytics.application.datasets import (
    CorrectDataset,
    Datasets,
    DeleteDataset,
    ForgetUpload,
    KeepUpload,
    LoadDataset,
    QueueDataset,
    SweepUploads,
    UploadDataset,
)
from contexts.analytics.application.keeping import Settings
from contexts.analytics.application.ports import Clock, Limits
from contexts.analytics.application.queries import (
    GetDataset,
    GetQuestion,
    ListDatasets,
    ListQuestions,
)
from contexts.analytics.application.relations import Relations
from contexts.analytics.application.report_queries import (
    GetReport,
    GetReportRun,
    ListReportRuns,
    ListReports,
)
from contexts.analytics.application.reporting import (
    AskForReport,
    EndReportRun,
    PauseReport,
    Reporting,
    ResumeReport,
    RetireReport,
    RunDueReport,
    RunReportNow,
    ScheduleReport,
)
from contexts.analytics.application.running import Running
from contexts.analytics.application.solving import Solving
from contexts.analytics.application.telling import Telling
from contexts.analytics.application.understanding import Understanding
from contexts.analytics.application.verifying import VerifyGolden, Verifying
from contexts.analytics.domain.dataset import Dataset, DatasetCorrected, DatasetUploaded
from contexts.analytics.domain.question import Outcome, Question, QuestionAsked
from contexts.analytics.domain.report import Report, ReportRunStarted
from contexts.analytics.infrastructure.catalogue import CatalogueDataset
from contexts.analytics.infrastructure.datasets import Datasets as DatasetsShown
from contexts.analytics.infrastructure.history import AskedBefore
from contexts.analytics.infrastructure.kept_answers import RedisKeptAnswers
from contexts.analytics.infrastructure.known_values import KnownValues
from contexts.analytics.infrastructure.loading import Loading
from contexts.analytics.infrastructure.model_planner.planner import ModelPlanner
from contexts.analytics.infrastructure.offline_planner import OfflinePlanner
from contexts.analytics.infrastructure.questions import Questions as QuestionsShown
from contexts.analytics.infrastructure.report_schedule import ReportSchedule
from contexts.analytics.infrastructure.reports import Reports as ReportsShown
from contexts.analytics.infrastructure.room import PostgresRoom
from contexts.analytics.infrastructure.rooms import Rooms
from contexts.analytics.infrastructure.sql.compiler import compile_spec
from contexts.analytics.infrastructure.sql.gate import Gate
from contexts.analytics.infrastructure.tables import RoomTables
from contexts.analytics.infrastructure.uploads import PostgresUploads
from contexts.analytics.infrastructure.work_queue import DramatiqWorkQueue
from contexts.analytics.presentation.analyze import AnalyzeController
from contexts.analytics.presentation.datasets import DatasetsController
from contexts.analytics.presentation.questions import QuestionsController
from contexts.analytics.presentation.reports import ReportsController
from contexts.analytics.published import AskInConfidence, ListAskable
from shared.application.bus import Bus
from shared.application.claims import Claims
from shared.application.codec import Codec
from shared.application.cursors import Cursors
from shared.application.event_store import EventStore
from shared.application.language_model import LanguageModel
from shared.application.positions import Positions
from shared.application.repository import Repository
from shared.domain.aggregate import kinds_of
from shared.infrastructure.event_store.log_identity import LogIdentity
from shared.infrastructure.postgres import Pool


def _model_planner(model: LanguageModel) -> ModelPlanner | None:
    """There is none where no model is set up."""
    return ModelPlanner(model, compile_spec) if model.configured else None


class AnalyticsContainer(containers.DeclarativeContainer):
    store: providers.Dependency[EventStore] = providers.Dependency()
    codec: providers.Dependency[Codec] = providers.Dependency()
    bus: providers.Dependency[Bus] = providers.Dependency()
    pool: providers.Dependency[Pool] = providers.Dependency()
    database_url: providers.Dependency[str] = providers.Dependency()
    redis: providers.Dependency[Redis] = providers.Dependency()
    log: providers.Dependency[LogIdentity] = providers.Dependency()
    log_position: providers.Dependency[Callable[[], Awaitable[int]]] = providers.Dependency()
    positions: providers.Dependency[Positions] = providers.Dependency()
    broker: providers.Dependency[Callable[[], Broker]] = providers.Dependency()
    clock: providers.Dependency[Clock] = providers.Dependency()
    cursors: providers.Dependency[Cursors] = providers.Dependency()
    model: providers.Dependency[LanguageModel] = providers.Dependency()
    settings: providers.Dependency[Settings] = providers.Dependency()
    rephrasing: providers.Dependency[bool] = providers.Dependency()
    most_bytes: providers.Dependency[int] = providers.Dependency()
    limits: providers.Dependency[Limits] = providers.Dependency()
    claims: providers.Dependency[Claims] = providers.Dependency()

    dataset_streams = providers.Singleton(Repository, Dataset, store, codec)
    question_streams = providers.Singleton(Repository, Question, store, codec)
    report_streams = providers.Singleton(Repository, Report, store, codec)

    rooms = providers.Singleton(Rooms, pool, database_url)
    tables = providers.Singleton(RoomTables, pool, rooms)
    catalogue = providers.Singleton(CatalogueDataset, pool, tables.provided.schema)
    datasets_shown = providers.Singleton(DatasetsShown, pool, store, codec, catalogue)
    questions_shown = providers.Singleton(QuestionsShown, pool, store, codec, cursors)

    reports_shown = providers.Singleton(ReportsShown, pool, store, codec, cursors)

    queue = providers.Singleton(DramatiqWorkQueue, broker)
    uploads = providers.Singleton(PostgresUploads, pool)
    datasets = providers.Singleton(
        Datasets,
        dataset_streams,
        uploads,
        providers.Singleton(Loading, pool),
        tables,
        claims,
        queue,
        clock,
        most_bytes,
        datasets_shown.provided.names,
    )
    asking = providers.Singleton(Asking, question_streams, dataset_streams, queue, clock)

    relations = providers.Singleton(
        Relations, dataset_streams, catalogue, datasets_shown.provided.names
    )
    history = providers.Singleton(
        AskedBefore, questions_shown, question_streams, positions, log_position
    )
    compiler = providers.Object(compile_spec)
    offline = providers.Singleton(OfflinePlanner)
    values = providers.Singleton(KnownValues, pool)
    understanding = providers.Singleton(
        Understanding,
        offline=offline,
        model=providers.Singleton(_model_planner, model),
        values=values,
        compiler=compiler,
        history=history,
        confirm_below=settings.provided.confirm_below,
    )
    room = providers.Singleton(PostgresRoom, rooms, providers.Singleton(Gate))
    running = providers.Singleton(
        Running, compiler, room, providers.Singleton(RedisKeptAnswers, redis, log), limits
    )
    running_in_confidence = providers.Singleton(
        Running, compiler, room, providers.Singleton(NothingKept), limits
    )
    solving = providers.Factory(
        Solving,
        relations=relations,
        understanding=understanding,
        telling=providers.Singleton(Telling, model, rephrasing=rephrasing),
        position=log_position,
        clock=clock,
        settings=settings,
    )
    answering = providers.Singleton(
        Answering,
        questions=question_streams,
        solving=providers.Singleton(solving, running=running),
        history=history,
        claims=claims,
        clock=clock,
        settings=settings,
    )
    solving_in_confidence = providers.Singleton(
        solving,
        running=running_in_confidence,
        # Whoever asks in confidence is an assistant, and says it in words of its own.
        telling=providers.Singleton(Telling, model, rephrasing=False),
    )
    confiding = providers.Singleton(Confiding, solving_in_confidence, clock)
    askable = providers.Singleton(Listing, relations, values, offline.provided.examples, clock)
    verifying = providers.Singleton(Verifying, history, relations, understanding, running, clock)

    reporting = providers.Singleton(Reporting, bus, report_streams, dataset_streams, clock)
    report_schedule = providers.Singleton(ReportSchedule, pool, bus, clock)

    handlers = providers.Dict(
        {
            KeepUpload: datasets.provided.keep,
            ForgetUpload: datasets.provided.forget,
            UploadDataset: datasets.provided.upload,
            SweepUploads: datasets.provided.sweep,
            QueueDataset: datasets.provided.queue,
            LoadDataset: datasets.provided.load,
            CorrectDataset: datasets.provided.correct,
            DeleteDataset: datasets.provided.delete,
            AskQuestion: asking.provided.ask,
            QueueQuestion: asking.provided.queue,
            GiveFeedback: asking.provided.judge,
            AnswerQuestion: answering.provided.answer,
            AskInConfidence: confiding.provided.ask,
            ListAskable: askable.provided.list_askable,
            VerifyGolden: verifying.provided.verify,
            ListDatasets: datasets_shown.provided.list_datasets,
            GetDataset: datasets_shown.provided.get,
            ListQuestions: questions_shown.provided.list_questions,
            GetQuestion: questions_shown.provided.get,
            ScheduleReport: reporting.provided.schedule,
            PauseReport: reporting.provided.pause,
            ResumeReport: reporting.provided.resume,
            RetireReport: reporting.provided.retire,
            RunReportNow: reporting.provided.run_now,
            RunDueReport: reporting.provided.run_due,
            AskForReport: reporting.provided.ask,
            EndReportRun: reporting.provided.end_run,
            ListReports: reports_shown.provided.list_reports,
            GetReport: reports_shown.provided.get,
            ListReportRuns: reports_shown.provided.list_runs,
            GetReportRun: reports_shown.provided.get_run,
        }
    )
    read_from = providers.Object(
        {
            ListDatasets: DatasetsShown.name,
            ListQuestions: QuestionsShown.name,
            ListReports: ReportsShown.name,
            ListReportRuns: ReportsShown.name,
        }
    )
    reactions = providers.Object(
        {
            DatasetUploaded: [reactions.on_dataset_uploaded],
            DatasetCorrected: [reactions.on_dataset_corrected],
            QuestionAsked: [reactions.on_question_asked],
            ReportRunStarted: [report_reactions.on_report_run_started],
            **{kind: [report_reactions.on_question_ended] for kind in kinds_of(Outcome)},
        }
    )
    routes = providers.Object(
        [DatasetsController, QuestionsController, AnalyzeController, ReportsController]
    )
