"""Plain actions: what is loaded, what is returned, what goes wrong."""

import base64
import io
import zipfile

import pytest

from runtime.program import SENTINEL, Program, zipped

LOCATE = (502, {"error": "The action failed to generate or locate a binary. See logs for details."})
START = (502, {"error": "Cannot start action. Check logs for details."})
RETURN = "def main(args):\n    return eval(args['expression'])"


def test_main_may_have_another_name(container: Program) -> None:
    assert container.init("def other(args):\n    return {'who': 'other'}", main="other")[0] == 200
    assert container.result() == {"who": "other"}


def test_a_zip_brings_modules_folders_and_files_and_is_the_working_directory(container: Program) -> None:
    files = {
        "__main__.py": "import side\nfrom deep.inside import word\ndef main(args):\n"
        "    return {'side': side.word, 'deep': word, 'file': open('data/a.txt').read()}",
        "side.py": "word = 'side'",
        "deep/__init__.py": "",
        "deep/inside.py": "word = 'deep'",
        "data/a.txt": "file",
    }
    assert container.init(zipped(**files))[0] == 200
    assert container.result() == {"side": "side", "deep": "deep", "file": "file"}


def test_a_zip_may_hold_its_code_as_exec(container: Program) -> None:
    assert container.init(zipped(exec="def main(args):\n    return {'exec': 1}"))[0] == 200
    assert container.result() == {"exec": 1}


def test_a_virtualenv_in_the_zip_is_activated(container: Program) -> None:
    files = {
        "__main__.py": "import lodged\ndef main(args):\n    return {'lodged': lodged.here}",
        "virtualenv/bin/activate_this.py": "import sys\nsys.path.insert(0, 'virtualenv/lib')",
        "virtualenv/lib/lodged.py": "here = True",
    }
    assert container.init(zipped(**files))[0] == 200
    assert container.result() == {"lodged": True}


def test_a_virtualenv_that_cannot_be_activated_is_said(container: Program) -> None:
    files = {"__main__.py": "def main(args):\n    return {}", "virtualenv/lib/a.py": ""}
    assert container.init(zipped(**files)) == LOCATE
    assert "Invalid virtualenv. Zip file does not include 'activate_this.py'." in container.stderr


def test_a_zip_without_main_is_said(container: Program) -> None:
    assert container.init(zipped(**{"side.py": ""})) == LOCATE
    assert "Zip file does not include main__" in container.stderr


def test_an_error_of_syntax_is_shown_with_its_line(container: Program) -> None:
    assert container.init("def main(args):\n    return {'a'") == LOCATE
    assert "SyntaxError" in container.stderr
    assert "line 2" in container.stderr


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise RuntimeError('no luck')", "RuntimeError: no luck"),
        ("import sys\nsys.exit(3)", "Command exited abruptly during initialization."),
        ("import no_such_package", "No module named 'no_such_package'"),
        ("def other(args):\n    return {}", "cannot import name 'main' from 'main__'"),
        ("main = 3", "cannot import name 'main' from 'main__'"),
    ],
)
def test_code_that_does_not_start_is_refused_with_its_cause_in_the_log(
    container: Program, code: str, said: str
) -> None:
    assert container.init(code) == START
    assert said in container.stderr
    assert container.stderr.endswith(SENTINEL + "\n")


def test_init_sets_the_variables_it_is_given(container: Program) -> None:
    code = (
        "import os\nseen = os.environ['COLOR']\ndef main(a):\n    return {'seen': seen, 'n': os.environ['N']}"
    )
    container.init(code, COLOR="red", N={"deep": [1, True]})
    assert container.result() == {"seen": "red", "n": '{"deep":[1,true]}'}


def test_each_run_sets_its_own_variables(container: Program) -> None:
    container.init("import os\ndef main(args):\n    return dict(os.environ)")
    first = container.result(activation_id="one", api_key="u:k")
    second = container.result(activation_id="two", api_key="u:k")
    assert first["__OW_ACTIVATION_ID"] == "one"
    assert second["__OW_ACTIVATION_ID"] == "two"
    assert second["__OW_API_KEY"] == "u:k"
    assert second["__OW_NAMESPACE"] == "guest"


def test_an_exception_is_an_answer_and_its_traceback_a_log(container: Program) -> None:
    container.init("def main(args):\n    raise ValueError('kaput')")
    assert container.run() == (200, {"error": "kaput"})
    assert "ValueError: kaput" in container.stderr
    assert "deepwhisk_runtime" not in container.stderr


def test_sys_exit_is_told_as_the_end_of_the_command(container: Program) -> None:
    container.init("import sys\ndef main(args):\n    sys.exit('that was all')")
    assert container.run() == (400, {"error": "command exited"})
    assert container.stderr == f"that was all\n{SENTINEL}\n"
    assert container.run() == (500, {"error": "no action defined yet"})


def test_lists_and_tuples_pass(container: Program) -> None:
    container.init(RETURN)
    assert container.run({"expression": "[1, {'a': 2}]"}) == (200, [1, {"a": 2}])
    assert container.run({"expression": "(1, 2)"}) == (200, [1, 2])


def test_an_array_may_be_the_argument(container: Program) -> None:
    container.init("def main(args):\n    return args + [3]")
    assert container.run([1, 2]) == (200, [1, 2, 3])


@pytest.mark.parametrize("expression", ["'text'", "3", "True", "b'bytes'", "{1, 2}", "object()"])
def test_a_result_that_is_neither_object_nor_array_is_refused(container: Program, expression: str) -> None:
    container.init(RETURN)
    refused = (502, {"error": "The action did not return a dictionary or array."})
    assert container.run({"expression": expression}) == refused


def test_nothing_passes_as_null(container: Program) -> None:
    container.init("def main(args):\n    pass")
    assert container.run() == (200, None)


@pytest.mark.parametrize(("number", "name"), [("nan", "nan"), ("inf", "inf"), ("-inf", "-inf")])
def test_a_number_that_json_cannot_hold_is_refused_with_its_place(
    container: Program, number: str, name: str
) -> None:
    container.init(RETURN)
    status, answer = container.run({"expression": f"{{'scores': [1.5, None, float('{number}')]}}"})
    assert status == 502
    assert (
        answer["error"]
        == f"The action did not return a dictionary or array: JSON cannot hold {name} at scores[2]."
    )


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("{'a': {'b': {1, 2}}}", "a value of type set at a.b"),
        ("{'image': b'bytes'}", "a value of type bytes at image"),
        ("[object()]", "a value of type object at [0]"),
    ],
)
def test_a_value_that_json_cannot_hold_is_refused_with_its_place(
    container: Program, expression: str, said: str
) -> None:
    container.init(RETURN)
    status, answer = container.run({"expression": expression})
    assert status == 400
    assert said in answer["error"]
    assert container.run({"expression": "{'next': 1}"}) == (200, {"next": 1})


def test_a_result_that_holds_itself_is_refused(container: Program) -> None:
    container.init("def main(args):\n    a = {}\n    a['a'] = a\n    return a")
    assert container.run()[0] == 400


@pytest.mark.parametrize("expression", ["{'n': 2**70}", "{1: 'one'}", "{'s': '\\ud800'}"])
def test_what_python_can_write_as_json_passes(container: Program, expression: str) -> None:
    container.init(RETURN)
    assert container.run({"expression": expression})[0] == 200


def test_fifty_megabytes_of_output_do_not_harm_the_next_call(container: Program) -> None:
    container.init("def main(args):\n    print('x' * args.get('n', 1))\n    return {}")
    assert container.run({"n": 50_000_000})[0] == 200
    assert container.run()[0] == 200
    assert container.stdout.count(SENTINEL) == 2


def test_an_action_that_closes_its_output_still_ends_its_log(container: Program) -> None:
    container.init("import sys\ndef main(args):\n    sys.stdout.close()\n    return {}")
    assert container.run()[0] == 200
    assert container.run()[0] in (200, 400)
    assert container.stdout.count(SENTINEL) == 2


def test_an_action_that_closes_its_descriptors_can_be_called_again(container: Program) -> None:
    container.init("import os\ndef main(args):\n    os.closerange(1, 3)\n    return {'ok': 1}")
    assert container.result() == {"ok": 1}
    assert container.result() == {"ok": 1}


def test_text_that_no_encoding_has_can_be_printed(container: Program) -> None:
    container.init("def main(args):\n    print('\\ud800')\n    return {'ok': 1}")
    assert container.result() == {"ok": 1}


def test_an_action_that_ends_its_process_ends_the_connection(container: Program) -> None:
    container.init("import os\ndef main(args):\n    os._exit(7)")
    with pytest.raises(ConnectionError):
        container.run()
    assert container.process.wait(60) == 7


@pytest.mark.parametrize("name", ["../out.py", "a/../../out.py", "/tmp/out.py", "C:\\out.py", "..\\out.py"])
def test_a_zip_that_leaves_its_folder_is_refused(container: Program, name: str) -> None:
    status, answer = container.init(zipped(**{"__main__.py": "def main(a): return a", name: "x"}))
    assert status == 400
    assert answer["error"].startswith("cannot decode the request: the zip holds ")
    assert not list(container.temporary.iterdir())


def test_a_zip_with_a_link_is_refused(container: Program) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("__main__.py", "def main(a): return a")
        link = zipfile.ZipInfo("passwd")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    status, answer = container.init(stream.getvalue())
    assert status == 400
    assert "a link: passwd" in answer["error"]


def test_a_zip_that_unpacks_to_too_much_is_refused_before_it_is_written(container: Program) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(9):
            archive.writestr(f"zeros{number}", bytes(64 * 1024 * 1024))
    status, answer = container.init(stream.getvalue())
    assert status == 400
    assert "more than 536870912" in answer["error"]
    assert not list(container.temporary.iterdir())


def test_a_zip_with_too_many_files_is_refused(container: Program) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for number in range(50_001):
            archive.writestr(str(number), "")
    status, answer = container.init(stream.getvalue())
    assert status == 400
    assert "50001 files" in answer["error"]


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("%%%", id="no base64"),
        pytest.param(base64.b64encode(b"no zip").decode(), id="no zip"),
        pytest.param(base64.b64encode(zipped(a="b")[:40]).decode(), id="half a zip"),
    ],
)
def test_code_that_is_no_zip_is_refused(container: Program, code: str) -> None:
    status, answer = container.post("/init", {"value": {"code": code, "binary": True}})
    assert status == 400
    assert answer["error"].startswith("cannot decode the request: ")


def test_a_damaged_zip_is_refused_and_a_whole_one_taken_after_it(container: Program) -> None:
    damaged = bytearray(zipped(**{"__main__.py": "def main(args): return args\n" * 9}))
    damaged[42:52] = bytes(10)

    status, answer = container.init(bytes(damaged))

    assert status == 400
    assert answer["error"].startswith("cannot decode the request: the zip cannot be unpacked: ")
    assert container.init(zipped(**{"__main__.py": "def main(args): return args"}))[0] == 200


def test_a_compression_that_openwhisk_does_not_read_is_refused(container: Program) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("__main__.py", "def main(args): return args")
    status, answer = container.init(stream.getvalue())
    assert status == 400
    assert "not stored or deflated: __main__.py" in answer["error"]


def test_plain_actions_import_nothing_heavy(container: Program) -> None:
    container.init("import sys\ndef main(args):\n    return {n: n in sys.modules for n in args['names']}")
    names = ["flask", "pydantic", "numpy", "PIL", "yaml", "requests", "werkzeug"]
    assert container.result({"names": names}) == dict.fromkeys(names, False)


def test_a_zip_that_openwhisk_has_compiled_runs(container: Program) -> None:
    compiled = {
        "exec": "#!/bin/bash\nexec /usr/local/bin/python exec__.py\n",
        "exec__.py": "raise SystemExit\n",
        "main__.py": "import side\ndef niam(args):\n    return side.value\n",
        "side.py": "value = {'a': 1}\n",
    }
    assert container.init(zipped(**compiled), main="niam", binary=True)[0] == 200
    assert container.run() == (200, {"a": 1})


def test_a_compiled_zip_without_its_code_does_not_start(container: Program) -> None:
    assert container.init(zipped(**{"exec": "#!/bin/bash\n", "mymain.py": ""})) == START
    assert "does not include main__.py" in container.stderr
