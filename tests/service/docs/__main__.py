"""`python -m tests.service.docs`: writes the pages that are made from the code."""

if __name__ == "__main__":
    from tests.service.docs.generated import write

    write()
