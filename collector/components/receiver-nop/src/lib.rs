//! The nop receiver: receives nothing.
