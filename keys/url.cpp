// Boost.URL, compiled here once instead of linked.
#include <boost/url/src.hpp>
