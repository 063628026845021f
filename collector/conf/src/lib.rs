//! Configuration: YAML with positions, merging, expansion, scalar types, reports of many problems.
