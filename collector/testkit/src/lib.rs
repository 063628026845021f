//! Sample data, certificates, and an extension, for tests. Never part of the product.

#[cfg(feature = "certificates")]
pub mod certificates;
pub mod corpus;
#[cfg(feature = "tenant")]
pub mod tenant;
