"""The command line: every command speaks gRPC to the services, as a person."""


def main() -> None:
    from vonglau.cli.app import app  # importing the services' stubs takes a while; not for whoever only imports the package

    app()
