//! The Etalon distribution of the OpenTelemetry collector: the list of components and the command line.
