// Code of Asio and Beast, compiled once for all (BOOST_ASIO_SEPARATE_COMPILATION, …BEAST…).
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>
