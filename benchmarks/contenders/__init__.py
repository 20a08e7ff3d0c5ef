"""Who is measured: one module each, which only the process imports that measures it.

A module has `opened(name, url)`, an asynchronous context manager that yields a `Contender`. Their requests all say the
same, as `asked` has it.
"""
