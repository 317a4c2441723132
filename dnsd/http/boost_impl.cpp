// Code of Beast and Boost.JSON, compiled once for all (BOOST_BEAST_SEPARATE_COMPILATION).
#include <boost/beast/src.hpp>
#include <boost/json/src.hpp>
