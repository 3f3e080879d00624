//! The one integration binary: it links once, and its tests share one harness.

mod suite;
