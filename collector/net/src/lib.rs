//! Listeners, TLS, gRPC and HTTP servers and clients, capped compression, outcomes on the wire.
