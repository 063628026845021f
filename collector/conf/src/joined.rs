//! Structs that are written as one mapping.

/// Makes a struct of two blocks the tuple of them and back, for `#[serde(from = "(A, B)", into = "(A, B)")]`: both are read
/// from one mapping, and written as one.
///
/// ```
/// use etalon_conf::Node;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Debug, Default, Serialize, Deserialize)]
/// #[serde(from = "(Server, Own)", into = "(Server, Own)")]
/// struct Config {
///     server: Server,
///     own: Own,
/// }
///
/// #[derive(Clone, Debug, Default, Serialize, Deserialize)]
/// #[serde(default)]
/// struct Server {
///     endpoint: String,
/// }
///
/// #[derive(Clone, Debug, Default, Serialize, Deserialize)]
/// #[serde(default)]
/// struct Own {
///     path: String,
/// }
///
/// etalon_conf::joined!(Config { server: Server, own: Own });
///
/// let config: Config = Node::parse("c.yaml", "{endpoint: 'localhost:1', path: /x}").unwrap().decode().unwrap();
/// assert_eq!((&*config.server.endpoint, &*config.own.path), ("localhost:1", "/x"));
/// ```
#[macro_export]
macro_rules! joined {
    ($config:ident { $first:ident: $First:ty, $second:ident: $Second:ty }) => {
        impl From<($First, $Second)> for $config {
            fn from(($first, $second): ($First, $Second)) -> Self {
                Self { $first, $second }
            }
        }

        impl From<$config> for ($First, $Second) {
            fn from(config: $config) -> Self {
                (config.$first, config.$second)
            }
        }
    };
}
