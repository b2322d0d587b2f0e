"""The Lambda host does with a function what Lambda does with it."""

import os
import re
import threading
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from textwrap import dedent

import psutil
import pytest

from local_aws.errors import LocalAwsError
from local_aws.lambda_host.code import CodeStore
from local_aws.lambda_host.function import Function
from local_aws.lambda_host.host import MOST_IDLE, LambdaHost
from local_aws.lambda_host.logs import CloudWatchLogs, LogEvent
from tests.local_aws.deployed import ARN, Deployed, configuration, zipped

Deploy = Callable[..., Deployed]

ECHO = """
    import os
    def handle(event, context):
        return {"event": event, "pid": os.getpid(), "variables": dict(os.environ)}
"""


def test_a_handler_is_given_the_event_and_answers(deploy: Deploy):
    assert deploy("def handle(event, context): return event['one'] + 1")({"one": 1}) == 2


def test_what_is_not_ascii_arrives_as_it_was_sent(deploy: Deploy):
    assert deploy("def handle(event, context): return event")("Zoë 😀") == "Zoë 😀"


def test_a_function_has_its_own_variables_and_those_that_lambda_sets(deploy: Deploy):
    function = deploy(ECHO, Environment={"Variables": {"LONG_EDGE": "2048"}})
    variables = function()["variables"]
    assert variables["LONG_EDGE"] == "2048"
    assert variables["AWS_LAMBDA_FUNCTION_NAME"] == function.function.name
    assert variables["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "512"
    assert variables["AWS_LAMBDA_FUNCTION_VERSION"] == "$LATEST"
    assert variables["AWS_LAMBDA_LOG_GROUP_NAME"] == f"/aws/lambda/{function.function.name}"
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", variables["AWS_LAMBDA_LOG_STREAM_NAME"])
    assert variables["AWS_REGION"] == variables["AWS_DEFAULT_REGION"] == "ap-southeast-2"
    assert variables["AWS_ACCESS_KEY_ID"] == "111122223333"
    assert variables["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.13"


def test_functions_get_the_endpoints_and_nothing_of_this_process(deploy: Deploy, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_PROFILE", "a-real-account")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-real-secret")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example")
    variables = deploy(ECHO)()["variables"]
    assert variables["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    assert variables["AWS_ENDPOINT_URL_REKOGNITION"] == "http://127.0.0.1:2"
    assert not {"AWS_PROFILE", "AWS_SECRET_ACCESS_KEY", "HTTPS_PROXY"} & variables.keys()


def test_the_context_knows_the_function_and_the_time_left(deploy: Deploy):
    function = deploy("""
        def handle(event, context):
            return [context.invoked_function_arn, context.get_remaining_time_in_millis()]
    """)
    arn, milliseconds = function()
    assert arn == function.function.arn
    assert 9_000 < milliseconds <= 10_000


def test_an_environment_is_used_again(deploy: Deploy):
    function = deploy(ECHO)
    assert function()["pid"] == function()["pid"]


def test_a_changed_function_does_not_run_in_the_old_environment(deploy: Deploy, host: LambdaHost):
    function = deploy(ECHO)
    before = function()["pid"]
    changed = configuration(function.function.name, Environment={"Variables": {"LONG_EDGE": "0"}})
    function.function = Function.from_configuration(changed, {})
    after = function()
    assert after["pid"] != before
    assert after["variables"]["LONG_EDGE"] == "0"
    assert not psutil.pid_exists(before)


def test_concurrent_invocations_run_in_environments_of_their_own(deploy: Deploy):
    function = deploy("""
        import os, time
        def handle(event, context):
            time.sleep(0.5)
            return os.getpid()
    """)
    with ThreadPoolExecutor(3) as pool:
        assert len(set(pool.map(function, range(3)))) == 3


def test_functions_that_start_in_turn_use_what_is_warm_by_then(
    deploy: Deploy, host: LambdaHost, monkeypatch: pytest.MonkeyPatch
):
    """Thirty that start together on a laptop are all slow, and some time out."""
    monkeypatch.setattr(host, "_starting", threading.Semaphore(1))
    function = deploy(ECHO)
    with ThreadPoolExecutor(3) as pool:
        assert len({answer["pid"] for answer in pool.map(function, range(3))}) == 1


def test_what_a_handler_raises_is_answered_in_lambdas_error_shape(deploy: Deploy):
    function = deploy("""
        def handle(event, context):
            raise KeyError("no such photo")
    """)
    error = function.error()
    assert error["errorType"] == "KeyError"
    assert error["errorMessage"] == "'no such photo'"
    assert "index.py" in error["stackTrace"][0]


def test_an_environment_outlives_what_its_handler_raises(deploy: Deploy):
    function = deploy("""
        import os
        def handle(event, context):
            if event == "fail": raise ValueError("once")
            return os.getpid()
    """)
    before = function()
    function.error("fail")
    assert function() == before


def test_a_handler_that_is_too_slow_is_killed(deploy: Deploy):
    function = deploy(
        """
        import time
        def handle(event, context): time.sleep(60)
        """,
        Timeout=1,
    )
    began = time.monotonic()
    error = function.error()
    assert time.monotonic() - began < 4
    assert error["errorType"] == "Sandbox.Timedout"
    assert error["errorMessage"].endswith("Task timed out after 1.00 seconds")


def test_a_time_out_is_in_the_log_with_the_lines_before_it(deploy: Deploy):
    function = deploy(
        """
        import time
        def handle(event, context):
            print("got as far as this")
            time.sleep(60)
        """,
        Timeout=1,
    )
    start, printed, timed_out, end, report = function.log()
    assert printed == "got as far as this"
    assert timed_out.endswith("Task timed out after 1.00 seconds")
    assert report.endswith("Status: timeout\t")
    assert "Max Memory Used" in report
    assert (start[:5], end[:3]) == ("START", "END")


def test_a_handler_that_outgrows_its_memory_is_killed(deploy: Deploy):
    function = deploy(
        """
        import time
        def handle(event, context):
            hoard = bytearray(400_000_000)
            hoard[::4096] = b"x" * len(hoard[::4096])
            time.sleep(5)
        """,
        MemorySize=128,
    )
    outcome = function.outcome()
    assert b"Runtime.ExitError" in outcome.payload
    assert b"Runtime exited with error: signal: killed" in outcome.payload
    assert "Memory Size: 128 MB\tMax Memory Used: 128 MB" in outcome.log[-1].message


def test_after_a_crash_the_next_invocation_starts_fresh(deploy: Deploy):
    function = deploy("""
        import os
        def handle(event, context):
            if event == "crash": os._exit(3)
            return os.getpid()
    """)
    before = function()
    error = function.error("crash")
    assert error["errorType"] == "Runtime.ExitError"
    assert error["errorMessage"].endswith("Error: Runtime exited with error: exit status 3")
    assert function() != before


def test_code_that_cannot_be_imported_says_so_at_each_invocation(deploy: Deploy):
    function = deploy("import no_such_module")
    for _ in range(2):
        error = function.error()
        assert error["errorType"] == "Runtime.ImportModuleError"
        assert "no_such_module" in error["errorMessage"]


def test_a_handler_that_is_missing_says_so(deploy: Deploy):
    assert deploy("x = 1").error()["errorType"] == "Runtime.HandlerNotFound"


def test_the_log_of_an_invocation_reads_as_on_aws(deploy: Deploy):
    function = deploy("""
        import logging, sys
        logging.getLogger().setLevel("INFO")
        def handle(event, context):
            print("to stdout")
            print("to stderr", file=sys.stderr)
            logging.info("to the log")
    """)
    start, stdout, stderr, logged, end, report = function.log()
    request_id = start.split()[2]
    assert start == f"START RequestId: {request_id} Version: $LATEST"
    assert (stdout, stderr) == ("to stdout", "to stderr")
    assert logged.startswith("[INFO]\t")
    assert logged.endswith(f"\t{request_id}\tto the log")
    assert end == f"END RequestId: {request_id}"
    assert re.fullmatch(
        rf"REPORT RequestId: {request_id}\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 512 MB"
        r"\tMax Memory Used: \d+ MB\tInit Duration: [\d.]+ ms\t",
        report,
    )
    assert "Init Duration" not in function.log()[-1]


def test_a_traceback_is_one_event_of_several_lines(deploy: Deploy):
    _, traceback, _, _ = deploy("def handle(event, context): 1 / 0").log()
    assert traceback.startswith("[ERROR] ZeroDivisionError: division by zero\nTraceback (most recent call last):\n")


def test_a_log_in_json_has_the_platforms_own_events(deploy: Deploy):
    function = deploy("def handle(event, context): return 1", LoggingConfig={"LogFormat": "JSON", "LogGroup": "owned"})
    start, report = function.log()
    assert '"type": "platform.start"' in start
    assert '"maxMemoryUsedMB"' in report


def test_a_javascript_handler_runs_with_the_aws_sdk_at_hand(deploy: Deploy):
    function = deploy(
        """
        const { S3Client } = require("@aws-sdk/client-s3");
        exports.handle = async (event, context) => {
          if (event === "fail") throw new RangeError("too far");
          return [typeof S3Client, context.functionName];
        };
        """,
        file="index.js",
        Runtime="nodejs22.x",
    )
    assert function() == ["function", function.function.name]
    error = function.error("fail")
    assert (error["errorType"], error["errorMessage"]) == ("RangeError", "too far")


def test_the_runtime_client_works_without_its_compiled_part(deploy: Deploy):
    """awslambdaric compiles for Linux only; on macOS the portable half takes over."""
    portable = Path("local_aws/lambda_host/portable").resolve()
    function = deploy(
        """
        import runtime_client
        def handle(event, context):
            if event == "fail": raise ValueError("Zoë")
            return [event, runtime_client.__file__]
        """,
        Environment={"Variables": {"PYTHONPATH": str(portable)}},
    )
    assert function("Zoë") == ["Zoë", str(portable / "runtime_client.py")]
    assert function.error("fail")["errorMessage"] == "Zoë"
    assert function("again")[0] == "again"


def test_a_handler_cannot_be_reached_through_standard_input(deploy: Deploy):
    assert deploy("import sys\ndef handle(event, context): return sys.stdin.read()")() == ""


def test_a_limited_number_of_environments_is_kept_warm(deploy: Deploy):
    pids = [deploy(ECHO)()["pid"] for _ in range(MOST_IDLE + 1)]
    assert [psutil.pid_exists(pid) for pid in pids] == [False] + [True] * MOST_IDLE


def test_a_host_that_stops_ends_busy_environments_and_leaves_no_file(deploy: Deploy, tmp_path: Path):
    folder = tmp_path / "host"
    with LambdaHost("http://127.0.0.1:1", folder=folder) as host:
        host.logs = deploy("").host.logs
        function = Function.from_configuration(configuration(), {})
        host.code.of(function, lambda: zipped("import time\ndef handle(event, context): time.sleep(60)"))
        pool = ThreadPoolExecutor(1)
        invocation = pool.submit(host.invoke, function, b"{}", "1")
        deadline = time.monotonic() + 10
        while not host._busy and time.monotonic() < deadline:
            time.sleep(0.02)
        (environment,) = host._busy
        pid = environment._process.pid
    assert b"signal: killed" in invocation.result(10).payload
    pool.shutdown()
    assert not psutil.pid_exists(pid)
    assert not folder.exists()


def test_log_lines_after_the_emulator_has_ended_are_dropped(caplog: pytest.LogCaptureFixture):
    """After Ctrl-C the emulator may end before the function does."""
    function = Function.from_configuration(configuration(), {})
    with caplog.at_level("DEBUG", logger="local_aws.lambda_host.logs"):
        CloudWatchLogs("http://127.0.0.1:1").write(function, "stream", [LogEvent.now("last words")])
    assert [each.levelname for each in caplog.records if each.name.startswith("local_aws")] == ["DEBUG"]


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
def test_a_function_ends_when_the_host_is_killed(tmp_path: Path, deploy: Deploy):
    """Nothing else could end a handler that never returns."""
    import subprocess
    import sys

    runtime = Path("local_aws/lambda_host/python_runtime.py").resolve()
    (tmp_path / "index.py").write_text("import time\ntime.sleep(60)")
    process = subprocess.Popen(
        [sys.executable, "-P", str(runtime), "index.handle"],
        stdin=subprocess.PIPE,
        env={"LAMBDA_TASK_ROOT": str(tmp_path), "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:1"},
    )
    assert process.stdin
    process.stdin.close()  # what the kernel does for a host that is gone
    assert process.wait(10) == 1


def image(folder: Path, dockerfile: str) -> Function:
    staged = folder / ("asset." + "a" * 64)
    staged.mkdir(parents=True)
    (staged / "Dockerfile").write_text(dedent(dockerfile))
    uri = "111122223333.dkr.ecr.ap-southeast-2.amazonaws.com/cdk:" + "a" * 64
    return Function.from_configuration(configuration(ImageUri=uri, Runtime="", Handler=""), {})


def test_packages_compiled_for_another_machine_are_replaced(host):
    """The rest of a zip file, and a module beside them, is the function's own."""
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        for name in ("numpy/__init__.py", "numpy/core.so", "_pi_heif.cpython-399-x.so", "numpy.libs/libblas.so.3"):
            package.writestr(name, "")
        package.writestr("six.py", "")
        package.writestr(
            "index.py", "import numpy\nimport six\ndef handle(event, context): return [numpy.__file__, six.__file__]"
        )
    function = Function.from_configuration(configuration("compiled", Runtime="python3.99"), {})
    code = host.code.of(function, archive.getvalue)
    assert {file.name for file in code.task_root.iterdir()} == {"six.py", "index.py"}
    theirs, ours = Deployed(host, function)()
    assert "site-packages" in theirs
    assert ours == str(code.task_root / "six.py")


def not_a_zip() -> bytes:
    raise AssertionError("an image has no zip file")


def test_an_images_files_come_from_its_staged_build_context(tmp_path: Path):
    function = image(
        tmp_path / "cdk.out",
        """
        FROM public.ecr.aws/lambda/python:3.13@sha256:1234 AS built
        ENV PYTHONOPTIMIZE=1 \\
            NAME="two words"
        CMD ["annotator.handler.handle"]
        """,
    )
    code = CodeStore(tmp_path / "code", [tmp_path / "elsewhere", tmp_path / "cdk.out"]).of(function, not_a_zip)
    assert (code.runtime, code.handler) == ("python3.13", "annotator.handler.handle")
    assert code.environment == {"PYTHONOPTIMIZE": "1", "NAME": "two words"}
    assert (code.task_root / "Dockerfile").exists()
    assert not code.task_root.is_relative_to(tmp_path / "cdk.out")


def test_an_image_without_files_says_where_they_were_expected(tmp_path: Path):
    function = image(tmp_path / "cdk.out", "")
    with pytest.raises(LocalAwsError, match=f"not found in {tmp_path}/elsewhere; deploy from the folder"):
        CodeStore(tmp_path / "code", [tmp_path / "elsewhere"]).of(function, not_a_zip)


@pytest.mark.parametrize(
    ("dockerfile", "sentence"),
    [
        ("FROM python:3.13", "not based on an AWS image"),
        ("FROM public.ecr.aws/lambda/python:3.13", "names no handler"),
    ],
)
def test_an_image_that_cannot_run_without_docker_says_why(tmp_path: Path, dockerfile: str, sentence: str):
    function = image(tmp_path / "cdk.out", dockerfile)
    with pytest.raises(LocalAwsError, match=sentence):
        CodeStore(tmp_path / "code", [tmp_path / "cdk.out"]).of(function, not_a_zip)


def test_a_function_is_in_the_account_and_region_of_its_arn():
    function = Function.from_configuration(configuration("mine"), {})
    assert (function.account, function.region, function.arn) == ("111122223333", "ap-southeast-2", ARN + "mine")
