// DNS cookies: RFC 9018's vectors, what is accepted and for how long, secrets in files.
#include "dnsd/cookies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sodium.h>

#include <boost/asio/ip/address.hpp>
#include <string>

namespace dnsd {
namespace {

using Octets = std::vector<std::uint8_t>;

Octets octets(std::string_view hex) {
  Octets out(hex.size() / 2);
  std::size_t size = 0;
  sodium_hex2bin(out.data(), out.size(), hex.data(), hex.size(), nullptr, &size, nullptr);
  out.resize(size);
  return out;
}

template <class Container>
std::string hex(const Container& container) {
  std::string out(container.size() * 2 + 1, '\0');
  sodium_bin2hex(out.data(), out.size(), container.data(), container.size());
  out.pop_back();
  return out;
}

Cookies::Address address(const char* text) {
  const auto parsed = boost::asio::ip::make_address(text);
  return parsed.is_v6()
             ? parsed.to_v6().to_bytes()
             : boost::asio::ip::make_address_v6(boost::asio::ip::v4_mapped, parsed.to_v4())
                   .to_bytes();
}

std::vector<Cookies::Secret> secrets(const std::string& lines) {
  auto read = Cookies::secrets_from_text(lines);
  if (!read) throw std::invalid_argument(read.error());
  return *read;
}

constexpr const char* SECRET = "e5e973e5a6b2a43f48e7dc849e37bfcf";

TEST(Cookies, Rfc9018AppendixA) {
  struct Row {
    const char* what;
    const char* secrets;
    const char* source;
    std::uint32_t now;
    const char* request;
    bool valid;
    const char* answer;
  };
  const Row rows[] = {
      {"A.1", SECRET, "198.51.100.100", 1559731985, "2464c4abcf10c957", false,
       "2464c4abcf10c957010000005cf79f111f8130c3eee29480"},
      {"A.2", SECRET, "198.51.100.100", 1559734385,
       "2464c4abcf10c957010000005cf79f111f8130c3eee29480", true,
       "2464c4abcf10c957010000005cf7a871d4a564a1442aca77"},
      // Of A.3 the cookie is 112 minutes old, beyond the hour of §4.3; Reserved is hashed along.
      {"A.3, made just now", SECRET, "203.0.113.203", 1559727985,
       "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5", true,
       "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5"},
      {"A.3", SECRET, "203.0.113.203", 1559734700,
       "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5", false,
       "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e"},
      {"A.4", "445536bcd2513298075a5d379663c962\ndd3bdf9344b678b185a6f5cb60fca715",
       "2001:db8:220:1:59de:d0f4:8769:82b8", 1559741961,
       "22681ab97d52c298010000005cf7c57926556bd0934c72f8", true,
       "22681ab97d52c298010000005cf7c609a6bb79d16625507a"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    const Cookies cookies(secrets(row.secrets));
    const Cookies::Answer answer =
        cookies.answer(octets(row.request), address(row.source), row.now);
    EXPECT_EQ(answer.valid, row.valid);
    EXPECT_EQ(hex(answer.octets), row.answer);
  }
}

TEST(Cookies, Rfc9018Section43Times) {
  const Cookies cookies(secrets(SECRET));
  const auto source = address("192.0.2.1");
  for (const std::uint32_t made : {1'800'000'000U, 0xffffffffU, 10U}) {  // RFC 1982, 2106 included
    const auto cookie = cookies.answer(octets("0102030405060708"), source, made).octets;
    struct Row {
      std::int32_t later;
      bool valid;
      bool renewed;
    };
    for (const Row& row :
         {Row{0, true, false}, Row{1800, true, false}, Row{1801, true, true}, Row{3600, true, true},
          Row{3601, false, true}, Row{-300, true, false}, Row{-301, false, true}}) {
      SCOPED_TRACE(std::to_string(made) + " " + std::to_string(row.later));
      const auto answer =
          cookies.answer(cookie, source, made + static_cast<std::uint32_t>(row.later));
      EXPECT_EQ(answer.valid, row.valid);
      EXPECT_EQ(answer.octets != cookie, row.renewed);
    }
  }
}

TEST(Cookies, Rfc7873Section523WhatIsNotOurs) {
  const Cookies cookies(secrets(SECRET));
  const Cookies others(secrets("445536bcd2513298075a5d379663c962"));
  const std::uint32_t now = 1'800'000'000;
  const auto source = address("192.0.2.1");
  const auto good = cookies.answer(octets("0102030405060708"), source, now).octets;
  EXPECT_TRUE(cookies.answer(good, source, now).valid);
  EXPECT_FALSE(cookies.answer(good, address("192.0.2.2"), now).valid);
  EXPECT_FALSE(cookies.answer(good, address("2001:db8::1"), now).valid);
  EXPECT_FALSE(others.answer(good, source, now).valid);
  for (std::size_t i = 0; i < good.size(); ++i) {
    auto changed = good;
    changed[i] ^= 1;
    EXPECT_FALSE(cookies.answer(changed, source, now).valid) << i;
  }
  // RFC 9018 §4.4: exactly 24 octets, or an IPv6 address could be made of an IPv4 one and more
  // octets.
  Octets longer(good.begin(), good.end());
  longer.resize(36);
  EXPECT_FALSE(cookies.answer(longer, source, now).valid);
}

TEST(Cookies, Rfc7873Section522Lengths) {
  for (std::size_t size = 0; size < 50; ++size) {
    EXPECT_EQ(Cookies::is_well_formed(Octets(size)), size == 8 || (size >= 16 && size <= 40))
        << size;
  }
}

TEST(Cookies, SecretsInAFile) {
  const std::string secret = SECRET;
  EXPECT_EQ(secrets("# ours\n\n" + secret + "\r\n" + secret).size(), 2U);
  struct Row {
    std::string text;
    const char* error;
  };
  for (const Row& row :
       {Row{"", "holds no secret"}, Row{"# only\n", "holds no secret"},
        Row{secret + "\n" + secret.substr(1), "line 2 is not a secret of 32"},
        Row{secret + "00", "line 1 is not"}, Row{"x" + secret.substr(1), "line 1 is not"},
        Row{secret + "\n" + secret + "\n" + secret + "\n" + secret, "holds more than 3 secrets"}}) {
    const auto read = Cookies::secrets_from_text(row.text);
    ASSERT_FALSE(read) << row.text;
    EXPECT_THAT(read.error(), testing::HasSubstr(row.error));
    EXPECT_EQ(read.error().find("e5e9"), std::string::npos);
  }
}

}  // namespace
}  // namespace dnsd
