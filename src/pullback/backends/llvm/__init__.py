"""The LLVM backend: loops printed as IR with explicit vectors, compiled in process."""
