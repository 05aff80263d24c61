"""How a kernel is told the number of dimensions, so that the compiler knows it."""

__all__ = ["axes_of"]


def axes_of(dimensions: int) -> tuple[int, ...]:
    """Give a tuple of one entry per dimension, or an empty one beyond three.

    Its length is part of the type that a kernel is compiled for: loops over few dimensions unroll,
    and numba keeps the compiled code on disk. (Kernels made by a function around them would unroll
    too, but those that call each other would be compiled again by each process.)
    """
    return (0,) * dimensions if dimensions <= 3 else ()
