// Functions of your own, called on arrays without copies: what C++ sees of them.
//
//     #include <pullback/extension.h>
//
//     double weighted(pullback::Array<const double, 2> x, double w, pullback::Array<double, 2> y) {
//         double total = 0;
//         for (int64_t i = 0; i < x.size(0); ++i)
//             for (int64_t j = 0; j < x.size(1); ++j) {
//                 y(i, j) = w * x(i, j);
//                 total += y(i, j);
//             }
//         return total;
//     }
//
//     PULLBACK_EXPORT(weighted)      // load_inline(functions=["weighted"]) writes this line
//
// A function may take
//   * Array<const T, N> and Array<T, N>: the memory of a tensor of N axes (any number without N), to
//     be read, or to be written. T is float, double, std::complex of them, bool, or an integer type.
//   * numbers: double, float, int64_t, int, bool, std::complex<double>;
// and return nothing, a number, a New<T> (a tensor that it has made), or a std::tuple of these.
// Exceptions become Python's: std::invalid_argument is a ValueError, std::out_of_range an
// IndexError, std::bad_alloc a MemoryError, any other a RuntimeError, with the text of what().
// Compile with -DPULLBACK_BOUNDS to have every index checked.
#pragma once

#include <complex>
#include <cstdint>
#include <cstring>
#include <exception>
#include <initializer_list>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#if defined(_WIN32)
#define PULLBACK_PUBLIC extern "C" __declspec(dllexport)
#define PULLBACK_HIDDEN
#else
#define PULLBACK_PUBLIC extern "C" __attribute__((visibility("default")))
// Several libraries are loaded into one process: none may see another's tables.
#define PULLBACK_HIDDEN __attribute__((visibility("hidden")))
#endif

namespace pullback PULLBACK_HIDDEN {

// NumPy's short name of an element type: 'f8' is double.
template <class T>
std::string code() {
    using U = std::remove_const_t<T>;
    static_assert(!std::is_same_v<U, long double>, "tensors have no elements of long double");
    if constexpr (std::is_same_v<U, bool>) return "b1";
    else if constexpr (std::is_floating_point_v<U>) return "f" + std::to_string(sizeof(U));
    else if constexpr (std::is_integral_v<U>)
        return (std::is_signed_v<U> ? "i" : "u") + std::to_string(sizeof(U));
    else return "c" + std::to_string(sizeof(U));
}

// The memory of a tensor: where it starts, sizes and strides, the latter in elements.
template <class T, int N = -1>
class Array {
  public:
    using value_type = std::remove_const_t<T>;

    Array(T* data, int ndim, const int64_t* shape, const int64_t* strides)
        : data_(data), ndim_(ndim), shape_(shape), strides_(strides) {}

    T* data() const { return data_; }
    int ndim() const { return ndim_; }
    const int64_t* shape() const { return shape_; }
    const int64_t* strides() const { return strides_; }
    int64_t size(int axis) const { return shape_[wrap(axis)]; }
    int64_t stride(int axis) const { return strides_[wrap(axis)]; }

    int64_t numel() const {
        int64_t count = 1;
        for (int k = 0; k < ndim_; ++k) count *= shape_[k];
        return count;
    }

    // Whether the elements lie in memory one after another, the last index running fastest.
    bool is_contiguous() const {
        int64_t step = 1;
        for (int k = ndim_ - 1; k >= 0; --k) {
            if (shape_[k] != 1 && strides_[k] != step) return false;
            step *= shape_[k];
        }
        return true;
    }

    // An element by its indices, one for each axis.
    template <class... I>
    T& operator()(I... index) const {
        static_assert(N < 0 || sizeof...(I) == N, "as many indices as the array has axes");
        const int64_t indices[] = {static_cast<int64_t>(index)..., 0};
#ifdef PULLBACK_BOUNDS
        if (static_cast<int>(sizeof...(I)) != ndim_)
            throw std::out_of_range(std::to_string(sizeof...(I)) + " indices for an array of " +
                                    std::to_string(ndim_) + " axes");
#endif
        int64_t offset = 0;
        for (std::size_t k = 0; k < sizeof...(I); ++k) {
#ifdef PULLBACK_BOUNDS
            check(indices[k], shape_[k]);
#endif
            offset += indices[k] * strides_[k];
        }
        return data_[offset];
    }

    // An element by its number in row-major order, whatever the strides.
    T& operator[](int64_t number) const {
#ifdef PULLBACK_BOUNDS
        check(number, numel());
#endif
        int64_t offset = 0;
        for (int k = ndim_ - 1; k > 0; --k) {
            offset += number % shape_[k] * strides_[k];
            number /= shape_[k];
        }
        return data_[ndim_ ? offset + number * strides_[0] : 0];
    }

    operator Array<const T, N>() const { return {data_, ndim_, shape_, strides_}; }

  private:
    int wrap(int axis) const {
        const int k = axis < 0 ? axis + ndim_ : axis;
        if (k < 0 || k >= ndim_)
            throw std::out_of_range("axis " + std::to_string(axis) + " of an array of " +
                                    std::to_string(ndim_) + " axes");
        return k;
    }

    static void check(int64_t index, int64_t size) {
        if (index < 0 || index >= size)
            throw std::out_of_range("index " + std::to_string(index) + " of an axis of size " +
                                    std::to_string(size));
    }

    T* data_;
    int ndim_;
    const int64_t* shape_;
    const int64_t* strides_;
};

// A new tensor, contiguous and filled with zeros, for a function to return.
template <class T>
class New {
  public:
    using value_type = T;

    explicit New(std::vector<int64_t> shape) : shape_(std::move(shape)) {
        int64_t count = 1;
        for (int64_t size : shape_) {
            if (size < 0) throw std::invalid_argument("a negative size: " + std::to_string(size));
            count *= size;
        }
        strides_.resize(shape_.size());
        int64_t step = 1;
        for (std::size_t k = shape_.size(); k-- > 0; step *= shape_[k]) strides_[k] = step;
        data_.reset(new T[static_cast<std::size_t>(count > 0 ? count : 1)]());
    }

    New(std::initializer_list<int64_t> shape) : New(std::vector<int64_t>(shape)) {}

    T* data() { return data_.get(); }
    const std::vector<int64_t>& shape() const { return shape_; }
    T* release() { return data_.release(); }

    template <int N = -1>
    Array<T, N> array() {
        return {data_.get(), static_cast<int>(shape_.size()), shape_.data(), strides_.data()};
    }

    template <class... I>
    T& operator()(I... index) { return array()(index...); }
    T& operator[](int64_t number) { return array()[number]; }

  private:
    std::vector<int64_t> shape_, strides_;
    std::unique_ptr<T[]> data_;
};

// ---- what passes between Python and a function -------------------------------------------------

struct Argument {
    void* data;
    const int64_t* shape;
    const int64_t* strides;
    double number;
    double imaginary;
    int64_t integer;
    int32_t ndim;
};

constexpr int MAX_AXES = 64;

struct Result {
    void* data;
    void (*free)(void*);
    int64_t shape[MAX_AXES];
    double number;
    double imaginary;
    int64_t integer;
    int32_t ndim;
};

template <class T>
struct Parameter {
    using U = std::remove_cv_t<std::remove_reference_t<T>>;
    static_assert(std::is_arithmetic_v<U>,
                  "a function takes pullback::Array, or numbers: double, int64_t, bool, ...");

    static std::string describe() {
        if constexpr (std::is_same_v<U, bool>) return "bool";
        else return std::is_floating_point_v<U> ? "float" : "int";
    }
    static U get(const Argument& a) {
        if constexpr (std::is_floating_point_v<U>) return static_cast<U>(a.number);
        else return static_cast<U>(a.integer);
    }
};

template <class F>
struct Parameter<std::complex<F>> {
    static std::string describe() { return "complex"; }
    static std::complex<F> get(const Argument& a) {
        return {static_cast<F>(a.number), static_cast<F>(a.imaginary)};
    }
};

template <class T, int N>
struct Parameter<Array<T, N>> {
    static std::string describe() {
        return (std::is_const_v<T> ? "read " : "write ") + code<T>() + " " + std::to_string(N);
    }
    static Array<T, N> get(const Argument& a) {
        return {static_cast<T*>(a.data), a.ndim, a.shape, a.strides};
    }
};

template <class T, int N>
struct Parameter<const Array<T, N>&> : Parameter<Array<T, N>> {};

template <class T>
struct Returned {
    static_assert(std::is_arithmetic_v<T>,
                  "a function returns nothing, a number, a pullback::New, or a std::tuple of them");
    static std::string describe() { return Parameter<T>::describe(); }
    static void put(T value, Result* result) {
        if constexpr (std::is_floating_point_v<T>) result->number = value;
        else result->integer = static_cast<int64_t>(value);
    }
};

template <class F>
struct Returned<std::complex<F>> {
    static std::string describe() { return "complex"; }
    static void put(std::complex<F> value, Result* result) {
        result->number = value.real();
        result->imaginary = value.imag();
    }
};

template <class T>
struct Returned<New<T>> {
    static std::string describe() { return "new " + code<T>(); }
    static void put(New<T> value, Result* result) {
        if (value.shape().size() > MAX_AXES) throw std::invalid_argument("more than 64 axes");
        result->ndim = static_cast<int32_t>(value.shape().size());
        for (int k = 0; k < result->ndim; ++k)
            result->shape[k] = value.shape()[static_cast<std::size_t>(k)];
        result->data = value.release();
        result->free = [](void* data) { delete[] static_cast<T*>(data); };
    }
};

template <class T>
struct Several {
    static std::string describe() { return Returned<T>::describe(); }
    static void put(T value, Result* results) { Returned<T>::put(std::move(value), results); }
};

template <class... T>
struct Several<std::tuple<T...>> {
    static std::string describe() {
        std::string text = "tuple";
        ((text += "," + Returned<T>::describe()), ...);
        return text;
    }
    static void put(std::tuple<T...> values, Result* results) {
        std::apply([&](auto&... v) {
            (Returned<std::remove_reference_t<decltype(v)>>::put(std::move(v), results++), ...);
        }, values);
    }
};

// Calls a function with arguments from Python: 0, or the kind of an error and its message.
using Call = int (*)(const Argument*, Result*, char*, std::size_t);

struct Entry {
    std::string name, signature;
    Call call;
};

PULLBACK_HIDDEN inline std::vector<Entry>& entries() {
    static std::vector<Entry> found;
    return found;
}

inline int report(int kind, const char* message, char* text, std::size_t size) {
    std::strncpy(text, message, size - 1);
    text[size - 1] = 0;
    return kind;
}

template <auto function>
struct Exported;

template <class R, class... P, R (*function)(P...)>
struct Exported<function> {
    static std::string signature() {
        std::string text;
        ((text += Parameter<P>::describe() + ";"), ...);
        if constexpr (std::is_void_v<R>) return text + ">none";
        else return text + ">" + Several<R>::describe();
    }

    template <std::size_t... k>
    static void run(const Argument* a, Result* r, std::index_sequence<k...>) {
        (void)a;
        (void)r;
        if constexpr (std::is_void_v<R>) function(Parameter<P>::get(a[k])...);
        else Several<R>::put(function(Parameter<P>::get(a[k])...), r);
    }

    static int call(const Argument* a, Result* r, char* text, std::size_t size) {
        try {
            run(a, r, std::index_sequence_for<P...>{});
            return 0;
        } catch (const std::invalid_argument& error) {
            return report(2, error.what(), text, size);
        } catch (const std::out_of_range& error) {
            return report(3, error.what(), text, size);
        } catch (const std::bad_alloc& error) {
            return report(4, error.what(), text, size);
        } catch (const std::exception& error) {
            return report(1, error.what(), text, size);
        } catch (...) {
            return report(1, "an exception that is no std::exception", text, size);
        }
    }

    static bool add(const char* name) {
        entries().push_back({name, signature(), &call});
        return true;
    }
};

}  // namespace pullback

// Makes a function callable from Python, under its own name.
#define PULLBACK_EXPORT(function) \
    static const bool pullback_exported_##function = \
        pullback::Exported<&function>::add(#function);

// The library's list of functions; written once by load and load_inline.
#define PULLBACK_TABLE \
    PULLBACK_PUBLIC int pullback_count() { \
        return static_cast<int>(pullback::entries().size()); \
    } \
    PULLBACK_PUBLIC const char* pullback_name(int k) { \
        return pullback::entries()[static_cast<std::size_t>(k)].name.c_str(); \
    } \
    PULLBACK_PUBLIC const char* pullback_signature(int k) { \
        return pullback::entries()[static_cast<std::size_t>(k)].signature.c_str(); \
    } \
    PULLBACK_PUBLIC pullback::Call pullback_call(int k) { \
        return pullback::entries()[static_cast<std::size_t>(k)].call; \
    }
