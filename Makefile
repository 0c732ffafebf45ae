UV_SYNC = uv pip sync
LOCKS := requirements-uv.lock requirements-build.lock requirements.lock requirements-dev.lock
VENV := .venv
STAMP := $(VENV)/.ready

$(STAMP): $(LOCKS) pyproject.toml
	test -x $(VENV)/bin/python || python3 -m venv $(VENV)
	$(VENV)/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-uv.lock
	$(VENV)/bin/uv pip sync -q --require-hashes --compile-bytecode --python $(VENV)/bin/python $(LOCKS)
	$(VENV)/bin/uv pip install -q --no-build-isolation --no-deps --python $(VENV)/bin/python -e .
	touch $@

venv: $(STAMP)
